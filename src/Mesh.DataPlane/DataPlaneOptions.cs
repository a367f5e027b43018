using Mesh.DataPlane.Sealing;

namespace Mesh.DataPlane;

/// <summary>Settings of a <see cref="DataPlaneEngine"/>.</summary>
public sealed record DataPlaneOptions
{
    /// <summary>The defaults.</summary>
    public static DataPlaneOptions Default { get; } = new();

    /// <summary>ICMPv6 errors sent per second in the long run (RFC 4443 section 2.4 (f)), at least 1.</summary>
    public int IcmpErrorsPerSecond { get; init; } = 100;

    /// <summary>ICMPv6 errors sent at once after a quiet time, at least 1.</summary>
    public int IcmpErrorBurst { get; init; } = 50;

    /// <summary>Whether the host forwards packets of others into the overlay, for example from TAP devices, so that their sources need not be ours. Default false.</summary>
    public bool ForwardsForHost { get; init; }

    /// <summary>
    /// After so many datagrams sealed with one key, whoever receives them is told that it is worn. QUIC uses one for AES-GCM no longer than 2^23 packets (RFC 9001
    /// section 6.6); the default is half of that, so that there is time for another. At least 1.
    /// </summary>
    public long WornAfter { get; init; } = 1 << 22;

    /// <summary>Makes the ciphers.</summary>
    public PacketCipherFactory CipherFactory { get; init; } = PacketCipher.Create;
}
