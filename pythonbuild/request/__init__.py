"""Requests of users, and their resolution into consistent builds."""
