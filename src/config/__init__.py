"""The top floor: settings, addresses, and the commands that start the house. No rule of the clinic lives here."""
