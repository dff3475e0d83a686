"""Figures for people: tables."""
