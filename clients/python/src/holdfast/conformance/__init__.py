"""
The driver of this client for the conformance runner; conformance/README.md of the repository says what it speaks. Not
part of the package that is published.
"""
