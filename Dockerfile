# syntax=docker/dockerfile:1
ARG PYTHON_IMAGE=python:3.15-slim

FROM ${PYTHON_IMAGE} AS build
COPY requirements.txt /tmp/requirements.txt
# The environment that is shipped has no pip of its own.
RUN python3 -m venv /opt/pip \
 && python3 -m venv --without-pip /opt/venv \
 && /opt/pip/bin/pip --python /opt/venv/bin/python install --no-cache-dir --no-compile \
        --disable-pip-version-check --require-hashes --requirement /tmp/requirements.txt \
 && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="4me-step-requests-update" \
      org.opencontainers.image.description="Update a 4me (Xurrent) request from a workflow" \
      org.opencontainers.image.licenses="Apache-2.0" \
      sh.relay.sdk.version="v1"
COPY --from=build /opt/venv /opt/venv
COPY step.py spec.schema.json outputs.schema.json /opt/step/
COPY engines /opt/step/engines
COPY fourme /opt/step/fourme
USER 65532:65532
ENTRYPOINT ["/opt/venv/bin/python", "/opt/step/step.py"]
