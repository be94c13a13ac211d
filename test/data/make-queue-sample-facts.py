#!/usr/bin/env python3
"""Make queue-sample.facts of the manifest in queue-sample.tar.gz: the same facts in lines that a C++ test reads.

  message PATH            starts a message; then, in the order of the manifest:
  sender ADDRESS
  recipient STATE NOTIFY ADDRESS TAB ORIGINAL TAB ORCPT
  attribute NAME=VALUE    those that belong to no recipient
  record LETTER DATA      C, T, W, L, >, V, F
  content SIZE SHA256
"""
import json, sys, tarfile

with tarfile.open(sys.argv[1]) as tar:
    manifest = json.load(tar.extractfile("manifest.json"))
for file in manifest["files"]:
    if "record_types" not in file or not file["record_types"]:
        continue
    print("message", file["path"])
    print("sender", file["sender"])
    for r in file["recipients"]:
        print("recipient", r["state"], r.get("dsn_notify", 0),
              "\t".join([r["address"], r.get("original_recipient", ""), r.get("dsn_orcpt", "")]))
    for attribute in file["attributes"]:
        if not attribute.startswith(("notify_flags=", "dsn_orig_rcpt=")):
            print("attribute", attribute)
    for letter, data in file["envelope_records"].items():
        for value in data if isinstance(data, list) else [data]:
            print("record", letter, value)
    print("content", file["content_size"], file["content_sha256"])
