"""Ways of telling somebody outside: webhook, e-mail, Alertmanager."""
