"""Tests in real editors; `make test-editors`."""
