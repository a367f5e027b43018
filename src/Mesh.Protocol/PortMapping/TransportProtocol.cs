namespace Mesh.Protocol.PortMapping;

/// <summary>The protocol whose port is mapped, by its number among the protocols above IP.</summary>
public enum TransportProtocol : byte
{
    /// <summary>TCP.</summary>
    Tcp = 6,

    /// <summary>UDP.</summary>
    Udp = 17,
}
