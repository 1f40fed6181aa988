"""The staff's pages, and a patient's own: server-rendered HTML over the services and actors that the API has."""
