"""What keepgate keeps for use elsewhere, sealed: secrets of servers, and what users were granted at servers.

Envelope encryption: entries are sealed under data keys, data keys are wrapped by a key that is not beside them.
"""

from keepgate.stores.vault.grants import Grants
from keepgate.stores.vault.keys import DataKeys
from keepgate.stores.vault.secrets import MAX_VALUE, SecretStore
from keepgate.stores.vault.transit import TransitWrap
from keepgate.stores.vault.wrap import LocalWrap, Wrap

__all__ = ["MAX_VALUE", "DataKeys", "Grants", "LocalWrap", "SecretStore", "TransitWrap", "Wrap"]
