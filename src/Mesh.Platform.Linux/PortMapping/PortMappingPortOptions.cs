using System.Net;

namespace Mesh.Platform.Linux.PortMapping;

/// <summary>How a gateway is reached.</summary>
public sealed record PortMappingPortOptions
{
    /// <summary>The gateway, or null for where the default route leads.</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>Our address towards it, or null for the kernel's choice.</summary>
    public IPAddress? Local { get; init; }

    /// <summary>The tool that speaks UPnP, of miniupnpc: a path, or a name that is looked for. Default "upnpc".</summary>
    public string Program { get; init; } = "upnpc";

    /// <summary>How long the tool may take before it is killed. Default 10 s; it waits for devices for two.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The mark of what goes into the underlay, or null for none.</summary>
    public uint? Mark { get; init; }

    /// <summary>The only interface of the underlay, or null for any.</summary>
    public string? UnderlayDevice { get; init; }
}
