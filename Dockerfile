# syntax=docker/dockerfile:1
# Any image with Python 3.11 or newer and its venv module; both stages must have the same one, since
# the bytecode that the first one makes is for the standard library of the second.
ARG PYTHON_IMAGE=python:3.15-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
COPY requirements.txt ./
COPY tools/image/requirements.txt tools/image/
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# The environment that is shipped has no pip of its own. Whatever is fetched is checked against its
# hash, also what builds the packages that have no wheel, which is then taken out again.
RUN python3 -m venv pip \
 && python3 -m venv --without-pip /opt/venv \
 && pip="pip/bin/pip --python /opt/venv/bin/python" \
 && $pip install --quiet --no-compile --require-hashes --requirement tools/image/requirements.txt \
 && $pip install --quiet --no-compile --require-hashes --requirement requirements.txt \
        --no-deps --no-build-isolation \
 && $pip uninstall --quiet --yes --requirement tools/image/requirements.txt
COPY step.py spec.schema.json outputs.schema.json /opt/step/
COPY steps /opt/step/steps
COPY engines /opt/step/engines
COPY fourme /opt/step/fourme
COPY operations /opt/step/operations
COPY process /opt/step/process
COPY transport /opt/step/transport
COPY spec /opt/step/spec
COPY tools/image/__init__.py tools/image/layer.py tools/image/smoke_run.py tools/image/
ARG SOURCE_DATE_EPOCH=0
# All that is added to the base, bytecode included, goes to /out.
RUN PYTHONHASHSEED=0 /opt/venv/bin/python -m tools.image.layer /out

FROM ${PYTHON_IMAGE} AS step
ARG VERSION=2.0.0
ARG REVISION=unknown
ARG SOURCE
LABEL org.opencontainers.image.title="4me-step-requests-update" \
      org.opencontainers.image.description="Update a 4me (Xurrent) request from a workflow" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      sh.relay.sdk.version="v1"
COPY --from=build /out/ /
# -I: nothing of the surroundings is imported. -X lazy_imports: modules load when they are needed;
# Python up to 3.14 takes no notice.
ENTRYPOINT ["/opt/venv/bin/python", "-I", "-X", "lazy_imports=all", "-m", "step"]

# For GitHub Actions: its files belong to the runner's user, nobody else may write them, and a
# container action runs as the user that its image names.
FROM step AS github
# hadolint ignore=DL3002 # GitHub's documentation asks for root
USER 0:0

FROM step AS get
USER 65532:65532
CMD ["get"]

# The last stage is what a plain build gives.
FROM step AS update
USER 65532:65532
CMD ["update"]
