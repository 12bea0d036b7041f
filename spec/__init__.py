"""From raw values to a valid spec: schema, coercion, validation."""
