"""What tells Vagrant which boxes there are, and VirtualBox what computer the disk belongs to?

    vm/catalogue.py write 2026.11.26 vm/vethlab-libvirt-amd64.box ...   writes metadata.json beside the boxes
    vm/catalogue.py write 2026.11.26 --at https://host/folder BOX ...   with addresses of where they will be
    vm/catalogue.py ovf DISK.vmdk BYTES ARCHITECTURE                    prints the description in VirtualBox's form

The catalogue is what Vagrant reads from a `box_url` (https://developer.hashicorp.com/vagrant/docs/boxes/format): a
name, and for each version and provider an address with its checksum. A box is a file vethlab-PROVIDER-ARCHITECTURE.box.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from xml.sax.saxutils import quoteattr

NAME = "vethlab/debian-13"
DESCRIPTION = "Debian 13 with the lessons of vethlab_sh, their packages and their Python: needs no network"
OVF = """<?xml version="1.0"?>
<Envelope ovf:version="1.0" xml:lang="en-US" xmlns="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
  xmlns:vbox="http://www.virtualbox.org/ovf/machine">
  <References><File ovf:id="file1" ovf:href={disk} ovf:size="{size}"/></References>
  <DiskSection>
    <Info>List of the virtual disks used in the package</Info>
    <Disk ovf:capacity="{capacity}" ovf:diskId="vmdisk1" ovf:fileRef="file1"
      ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>
  </DiskSection>
  <NetworkSection>
    <Info>Logical networks used in the package</Info>
    <Network ovf:name="NAT"><Description>Logical network used by this appliance.</Description></Network>
  </NetworkSection>
  <VirtualSystem ovf:id="vethlab">
    <Info>A virtual machine</Info>
    <OperatingSystemSection ovf:id="{system}">
      <Info>The kind of installed guest operating system</Info>
      <Description>{vbox_system}</Description>
      <vbox:OSType ovf:required="false">{vbox_system}</vbox:OSType>
    </OperatingSystemSection>
    <VirtualHardwareSection>
      <Info>Virtual hardware requirements for a virtual machine</Info>
      <System>
        <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>
        <vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemIdentifier>vethlab</vssd:VirtualSystemIdentifier>
        <vssd:VirtualSystemType>virtualbox-2.2</vssd:VirtualSystemType>
      </System>
{items}
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>"""
# Of CIM: 3 a processor, 4 memory, 20 another controller of storage, 17 a disk, 10 a network card.
ITEMS: tuple[dict[str, str], ...] = (
    {
        "rasd:Caption": "2 virtual CPU",
        "rasd:ElementName": "2 virtual CPU",
        "rasd:InstanceID": "1",
        "rasd:ResourceType": "3",
        "rasd:VirtualQuantity": "2",
    },
    {
        "rasd:AllocationUnits": "MegaBytes",
        "rasd:Caption": "2048 MB of memory",
        "rasd:ElementName": "2048 MB of memory",
        "rasd:InstanceID": "2",
        "rasd:ResourceType": "4",
        "rasd:VirtualQuantity": "2048",
    },
    {
        "rasd:Address": "0",
        "rasd:Caption": "sataController0",
        "rasd:ElementName": "sataController0",
        "rasd:InstanceID": "3",
        "rasd:ResourceSubType": "AHCI",
        "rasd:ResourceType": "20",
    },
    {
        "rasd:AddressOnParent": "0",
        "rasd:Caption": "disk1",
        "rasd:ElementName": "disk1",
        "rasd:HostResource": "/disk/vmdisk1",
        "rasd:InstanceID": "4",
        "rasd:Parent": "3",
        "rasd:ResourceType": "17",
    },
    {
        "rasd:AutomaticAllocation": "true",
        "rasd:Caption": "Ethernet adapter on 'NAT'",
        "rasd:Connection": "NAT",
        "rasd:ElementName": "Ethernet adapter on 'NAT'",
        "rasd:InstanceID": "5",
        "rasd:ResourceSubType": "E1000",
        "rasd:ResourceType": "10",
    },
)
SYSTEMS = {"amd64": ("96", "Debian_64"), "arm64": ("96", "Debian12_arm64")}


def catalogue(version: str, boxes: list[Path], at: str | None = None) -> dict[str, object]:
    """The catalogue of these boxes; their addresses are below `at`, or where they are now."""
    providers = []
    for box in sorted(boxes, key=_architecture, reverse=True):
        address = f"{at.rstrip('/')}/{box.name}" if at else box.resolve().as_uri()
        provider = {
            "name": box.stem.split("-")[1],
            "architecture": _architecture(box),
            "default_architecture": _architecture(box) == "amd64",
            "url": address,
            "checksum_type": "sha256",
            "checksum": hashlib.sha256(box.read_bytes()).hexdigest(),
        }
        providers.append(provider)
    return {
        "name": NAME,
        "description": DESCRIPTION,
        "versions": [{"version": version, "providers": providers}],
    }


def _architecture(box: Path) -> str:
    """amd64 comes last: Vagrant before 2.4 knows no architectures, and takes the last box of its provider."""
    return box.stem.split("-")[2]


def ovf(disk: Path, capacity: int, architecture: str) -> str:
    """VirtualBox's description of a computer with this disk of `capacity` bytes."""
    system, vbox_system = SYSTEMS[architecture]
    items = []
    for item in ITEMS:
        items.append("      <Item>")
        items += [f"        <{name}>{value}</{name}>" for name, value in item.items()]
        items.append("      </Item>")
    return OVF.format(
        disk=quoteattr(disk.name),
        size=disk.stat().st_size,
        capacity=capacity,
        system=system,
        vbox_system=vbox_system,
        items="\n".join(items),
    )


def main() -> None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(dest="verb", required=True)
    write = verbs.add_parser("write")
    write.add_argument("version")
    write.add_argument("--at")
    write.add_argument("boxes", type=Path, nargs="+")
    describe = verbs.add_parser("ovf")
    describe.add_argument("disk", type=Path)
    describe.add_argument("capacity", type=int)
    describe.add_argument("architecture")
    wanted = parser.parse_args()
    if wanted.verb == "ovf":
        print(ovf(wanted.disk, wanted.capacity, wanted.architecture))
        return
    written = catalogue(wanted.version, wanted.boxes, wanted.at)
    place = wanted.boxes[0].parent / "metadata.json"
    place.write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
