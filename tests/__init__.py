"""Tests, one file per room; `editors/` drives the real editors."""
