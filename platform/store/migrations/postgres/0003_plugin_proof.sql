-- The signatures that a version was installed with, so that the trust policy can be asked again at every load.
ALTER TABLE plugin_version ADD COLUMN proof BYTEA;
