"""The messages of holdfast.v1 and the stub of its service, as protoc makes them."""
