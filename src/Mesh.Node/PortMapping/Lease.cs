using System.Net;

namespace Mesh.Node.PortMapping;

/// <summary>A port, and what the gateway has given for it.</summary>
internal sealed class Lease(PortToMap port, bool isStale = false)
{
    public PortToMap Port { get; } = port;

    /// <summary>A mapping of an earlier run for a port that is not used any more: to be ended.</summary>
    public bool IsStale { get; } = isStale;

    /// <summary>The port that the gateway has given, or that we want from it.</summary>
    public ushort ExternalPort { get; set; } = port.Port;

    /// <summary>The address that came with the mapping.</summary>
    public IPAddress? ExternalAddress { get; set; }

    /// <summary>Whether the gateway was asked for it and may have it.</summary>
    public bool WasAsked { get; set; }

    /// <summary>When it ends, by our clock; null where it is not held.</summary>
    public TimeSpan? Until { get; set; }

    /// <summary>When to ask for it again.</summary>
    public TimeSpan AgainAt { get; set; }

    /// <summary>How often another port was tried because the wanted one was taken.</summary>
    public int Conflicts { get; set; }

    public bool IsHeld => Until is not null;
}

/// <summary>What can be asked of a gateway.</summary>
internal enum Topic
{
    /// <summary>UPnP: who and where is it?</summary>
    Discover,

    /// <summary>Is it there, since when, and with which external address, as far as the method tells that?</summary>
    Check,

    /// <summary>Map a port, or renew its mapping.</summary>
    Map,

    /// <summary>End a mapping.</summary>
    Unmap,
}

/// <summary>A question to the gateway.</summary>
internal sealed record Question(Topic Topic, Lease? Lease = null);
