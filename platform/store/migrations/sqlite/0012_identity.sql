-- Who made a token and until when it opens anything.
ALTER TABLE token ADD COLUMN created_by TEXT;
ALTER TABLE token ADD COLUMN expires_at INTEGER;
