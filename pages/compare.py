"""The way in for a server's first visitor who comes by this page's address."""

from pages.parts.door import enter_app

enter_app()
