"""Who is told of events: MQTT, webhooks, Prometheus, phones."""
