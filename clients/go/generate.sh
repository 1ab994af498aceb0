#!/bin/sh
# Writes the stubs in gen/ and errors_reasons.go from proto/. Needs Go, and the buf of the repository's npm ci.
set -eu
cd "$(dirname "$0")"
PATH="$PWD/../../node_modules/.bin:$PATH"
buf generate
go run ./internal/reasons ../../proto/holdfast/v1/errors.proto errors_reasons.go
