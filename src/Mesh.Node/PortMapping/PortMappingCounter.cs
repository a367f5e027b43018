namespace Mesh.Node.PortMapping;

/// <summary>What happens with a gateway, and what is done about it.</summary>
public enum PortMappingCounter
{
    /// <summary>Datagrams from somebody else than the gateway; passed over.</summary>
    Strangers,

    /// <summary>Datagrams of the gateway that are no answer of the protocol; passed over.</summary>
    Malformed,

    /// <summary>Answers with another nonce than ours, so made by somebody who has not seen the request; passed over.</summary>
    WrongNonces,

    /// <summary>Answers to what was not asked, or was answered before; passed over.</summary>
    Unexpected,

    /// <summary>Requests that were never answered, however often they were sent.</summary>
    Unanswered,

    /// <summary>Requests that were refused.</summary>
    Refusals,

    /// <summary>Mappings for so short a time that they are of no use; taken as refusals.</summary>
    ShortLifetimes,

    /// <summary>Mappings for longer than a day; taken as for a day.</summary>
    LongLifetimes,

    /// <summary>External addresses that others cannot reach; not advertised.</summary>
    UnusableAddresses,

    /// <summary>Times that the gateway had lost its state; everything is mapped anew.</summary>
    GatewayRestarts,

    /// <summary>UPnP devices that want to be a gateway and are not ours; not asked.</summary>
    ForeignDevices,

    /// <summary>Mappings that were lost before they could be renewed.</summary>
    Lost,
}
