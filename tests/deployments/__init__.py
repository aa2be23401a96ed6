"""Tests of deployed storlets."""
