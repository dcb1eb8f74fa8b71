"""Which architectures there are, and how plain values become a network and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from torch import nn

from model.errors import ModelError, WeightsError
from model.networks.config import NetworkConfig
from model.networks.detail_network import DetailNetwork, detail_from_json
from model.networks.network import LatentExpertNetwork, build_latent_expert
from model.zoo.dense import DenseKind, DenseNetwork
from model.zoo.objects import network_of
from model.zoo.presets import DENSE_KINDS
from model.zoo.tutorial import TutorialNetwork

MAX_SIZE: Final = 4096
MAX_DEPTH: Final = 64
MAX_LIST: Final = 16


@dataclass(frozen=True, slots=True)
class Architecture:
    """A kind of network.

    Attributes:
        name: as written in files of weights.
        network_class: what `build` returns.
        build: makes a network with fresh weights from what `config_of` returned.
        config_of: the arguments of a network as JSON can hold them.
    """

    name: str
    network_class: type[nn.Module]
    build: Callable[[Mapping[str, Any]], nn.Module]
    config_of: Callable[[Any], Mapping[str, Any]]


_ARCHITECTURES: Final[dict[str, Architecture]] = {}


def register(architecture: Architecture) -> None:
    """Make ``architecture`` known.

    Raises:
        ValueError: its name is taken.
    """
    if architecture.name in _ARCHITECTURES:
        raise ValueError(f'there is already an architecture "{architecture.name}"')
    _ARCHITECTURES[architecture.name] = architecture


def architecture_names() -> tuple[str, ...]:
    """All known names, the default network first."""
    return tuple(_ARCHITECTURES)


def architecture_named(name: str) -> Architecture:
    """The architecture of that name.

    Raises:
        WeightsError: nobody knows it.
    """
    if name not in _ARCHITECTURES:
        raise WeightsError(
            f'These weights belong to an unknown network, "{name[:60]}".',
            action=f"Known are: {', '.join(_ARCHITECTURES)}. Perhaps the program must be updated.",
        )
    return _ARCHITECTURES[name]


def architecture_of(network: nn.Module) -> Architecture:
    """The architecture that ``network`` is of.

    Raises:
        ModelError: nobody knows it.
    """
    if isinstance(network, DenseNetwork):
        return architecture_named(network.kind.name)
    for architecture in _ARCHITECTURES.values():
        if type(network) is architecture.network_class:
            return architecture
    raise ModelError(
        f"A {type(network).__name__} is not a network that this library can save.",
        action="Register its architecture in model.zoo.registry.",
    )


def build_network(name: str, config: Mapping[str, Any]) -> nn.Module:
    """A network of the architecture ``name`` with fresh weights.

    Raises:
        WeightsError: the architecture is unknown, or ``config`` makes no network of it.
    """
    architecture = architecture_named(name)
    _check_sizes(config)
    try:
        return architecture.build(config)
    except (TypeError, ValueError, AssertionError, RuntimeError, ZeroDivisionError) as error:
        raise WeightsError(
            f'The description of a "{name}" network in these weights makes no sense.',
            action="Use weights that this program exported.",
            detail=str(error)[:500],
        ) from error


def _check_sizes(config: Mapping[str, Any]) -> None:
    """Sizes decide what is allocated and how long it takes, so they have limits."""
    for key, value in config.items():
        if key == "encoder" and isinstance(value, str):
            continue  # a name, which the network itself knows or not
        sizes = value if isinstance(value, list | tuple) else [value]
        limit = MAX_DEPTH if "depth" in key else MAX_SIZE
        is_sane = len(sizes) <= MAX_LIST and all(isinstance(s, int) and 0 <= s <= limit for s in sizes)
        if not is_sane:
            raise WeightsError(
                f'These weights describe a network of an impossible size: "{key[:40]}".',
                action="Use weights that this program exported.",
            )


register(
    Architecture(
        name="latent-expert",
        network_class=LatentExpertNetwork,
        build=lambda config: build_latent_expert(NetworkConfig.from_json(config)),
        config_of=lambda network: network.config.to_json(),
    )
)
register(
    Architecture(
        name="latent-expert-detail",
        network_class=DetailNetwork,
        build=detail_from_json,
        config_of=lambda network: network.to_json(),
    )
)
register(
    Architecture(
        name="tutorial",
        network_class=TutorialNetwork,
        build=lambda config: TutorialNetwork(**config),
        config_of=lambda network: asdict(network.config),
    )
)


def _dense(kind: DenseKind) -> Architecture:
    """The architecture of a kind of `DenseNetwork`."""

    def build(config: Mapping[str, Any]) -> nn.Module:
        sizes = {
            key: tuple(v) if isinstance(v, list) else v for key, v in config.items() if key != "num_classes"
        }
        if unknown := set(sizes) - set(kind.sizes) - kind.further_sizes:
            raise ValueError(f"unknown configuration keys: {sorted(unknown)}")
        return network_of(kind, int(config["num_classes"]), sizes)

    return Architecture(
        name=kind.name,
        network_class=DenseNetwork,
        build=build,
        config_of=lambda network: network.config.to_json(),
    )


for _kind in DENSE_KINDS:
    register(_dense(_kind))
