module pyrsia/interop/registry

go 1.21

require github.com/google/go-containerregistry v0.19.2
