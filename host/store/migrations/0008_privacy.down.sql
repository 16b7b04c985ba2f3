DROP TABLE privacy_releases;
DROP TABLE privacy_scans;
