namespace Mesh.Protocol.PortMapping;

/// <summary>96 bits that nobody can guess; whoever knows them can change the mapping that was made with them (RFC 6887 section 11.2). Not for logs.</summary>
/// <param name="Upper">The first 64 bits.</param>
/// <param name="Lower">The last 32 bits.</param>
public readonly record struct PcpNonce(ulong Upper, uint Lower)
{
    /// <summary>Octets on the wire.</summary>
    public const int Length = 12;

    /// <summary>Says nothing.</summary>
    public override string ToString() => "(nonce)";
}
