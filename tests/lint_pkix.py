"""Lints certificates with pkilint's RFC 5280 set (what `lint_pkix_cert` runs), all in one process.

    python lint_pkix.py FILE...

One line a finding of severity ERROR or FATAL: file, code and message, separated by tabs. The last line counts
the files, so that a caller can tell "nothing found" from "nothing done".
"""

import sys

from pkilint import loader
from pkilint.pkix import certificate, extension, name
from pkilint.validation import ValidationFindingSeverity as Severity

validator = certificate.create_pkix_certificate_validator_container(
    certificate.create_decoding_validators(
        name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS
    ),
    [
        certificate.create_issuer_validator_container([]),
        certificate.create_validity_validator_container(),
        certificate.create_subject_validator_container([]),
        certificate.create_extensions_validator_container([]),
        certificate.create_spki_validator_container([]),
    ],
)
for path in sys.argv[1:]:
    with open(path, encoding="ascii") as file:
        parsed = loader.load_pem_certificate(file.read(), path)
    for result in validator.validate(parsed.root):
        for found in result.finding_descriptions:
            # The worst is the smallest: FATAL is 0.
            if found.finding.severity <= Severity.ERROR:
                print(path, found.finding.code, found.message or "", sep="\t")
print("linted", len(sys.argv) - 1, sep="\t")
