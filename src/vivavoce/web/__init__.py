"""The observatory in the browser: pages made here, served by `viva serve` or written as static files."""
