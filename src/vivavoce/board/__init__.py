"""The observatory's pages: models, leaderboard, runs, prices, status and methodology, from files alone."""
