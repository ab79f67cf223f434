"""Conversation -> text."""
