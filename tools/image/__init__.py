"""The container image: how it is built, tested for real, and measured.

In the image's build stage:

rehearsal   runs the step, for everything that it loads to be known
layer       makes what the image adds to its base, bytecode included

On the machine that builds it (`make image`, `make image-test`, `make bench`):

problems    what can be missing on a machine, and what to do then
builders    docker, podman and buildah, as one
debian      a stand-in for the base where no registry can be reached
archive     reads an image: its configuration, its layers, its files
container   runs an image's own command, as an engine would
checks      what `make image-test` checks
meter       measures processes, without adding to what they take
imports     reads the interpreter's import profile
budget      what a plain run may import
workshop    builds the image, and lays it out to be run
suite       runs every test on the image's Python, imports lazy
bench       what `make bench` measures
cli         the command line
"""
