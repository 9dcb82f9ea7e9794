"""Takes turns between two servers with a session at each, and prints for each the milliseconds of every
round of five answers, and the bytes received and decoded.

    compression_client.py ROUNDS ACCEPT_ENCODING URL URL
"""
import http.client
import json
import sys
import time
import urllib.parse
import zlib

rounds, coding, *urls = sys.argv[1:]


class Session:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.path = parts.path
        self.connection = http.client.HTTPConnection(parts.netloc)
        self.rounds = []

    def get(self):
        headers = {"Accept": "application/dicom+json", "Accept-Encoding": coding}
        begin = time.perf_counter()
        self.connection.request("GET", self.path, headers=headers)
        response = self.connection.getresponse()
        body = response.read()
        took = time.perf_counter() - begin
        assert response.status == 200, response.status
        is_gzip = response.getheader("Content-Encoding") == "gzip"
        content = zlib.decompress(body, 31) if is_gzip else body
        deflate = zlib.compressobj(6, zlib.DEFLATED, 31)
        self.sizes = {
            "received": len(body),
            "content": len(content),
            "level6": len(deflate.compress(content) + deflate.flush()),
        }
        return took


sessions = [Session(url) for url in urls]
for session in sessions:
    for _ in range(3):
        session.get()
for count in range(int(rounds)):
    for session in sessions if count % 2 else sessions[::-1]:
        session.rounds.append(1000 * sum(session.get() for _ in range(5)))
print(json.dumps([{"rounds": session.rounds, **session.sizes} for session in sessions]))
