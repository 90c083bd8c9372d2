"""Wirings side by side: what does each cost, and what does it lose without an entry?"""
