"""The container image: building, testing and measuring it.

In the image's build stage:

smoke_run       runs the step once for each kind of run, so that the modules it loads are known
layer           makes what the image adds to its base, bytecode included

On the machine that builds it (`make image`, `make image-test`, `make bench`):

errors          what is missing on a machine, and how to provide it
builders        one interface to docker, podman and buildah
debian          a base image made of Debian's packages, for machines that reach no registry
archive         reads an image's archive: its configuration, layers and files
container       runs an image's command in namespaces of its own
checks          what `make image-test` checks
meter           measures processes without adding to their figures
import_profile  reads the interpreter's import profile
budget          which modules a plain run may import
image_build     builds and unpacks the image
suite           runs every test on the image's Python, with lazy imports
bench           what `make bench` measures
cli             the command line
"""
