from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sealbridge.errors import KeyFileError
from sealbridge.lifecycle.key_files import read_keyring, store_key
from sealbridge.manifests import dump_yaml
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.keys import SealingKey
from tests.sealing_keys import sealing_key


def test_of_many_who_make_a_key_at_the_same_time_one_does(tmp_path: Path) -> None:
    keys = [sealing_key(number) for number in range(4)]

    def store(key: SealingKey) -> str:
        try:
            store_key(key, tmp_path, namespace="kube-system")
        except KeyFileError as error:
            return error.what.partition(":")[0]
        return key.fingerprint

    with ThreadPoolExecutor(len(keys)) as pool:
        told = set(pool.map(store, keys))
    (made,) = told - {"there is a sealing key already"}
    assert read_keyring([tmp_path]).fingerprints == (made,)
    assert Certificate.from_pem((tmp_path / "cert.pem").read_bytes()).fingerprint == made


def test_a_certificate_that_turns_up_meanwhile_is_kept_and_the_key_is_taken_back(tmp_path: Path) -> None:
    # A link that leads nowhere is there for those who write, and not for those who look.
    (tmp_path / "cert.pem").symlink_to("nowhere")
    with pytest.raises(KeyFileError, match=r"there is a sealing key already: cert\.pem"):
        store_key(sealing_key(), tmp_path, namespace="kube-system")
    assert [path.name for path in tmp_path.iterdir()] == ["cert.pem"]


def test_objects_beside_a_key_are_none_of_its_business(tmp_path: Path) -> None:
    key = sealing_key()
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "no base64"}}
    manifest = key.to_secret(name="key", namespace="kube-system").to_manifest()
    (tmp_path / "keys.yaml").write_text(dump_yaml([config, manifest]))
    assert read_keyring([tmp_path / "keys.yaml"]).fingerprints == (key.fingerprint,)
