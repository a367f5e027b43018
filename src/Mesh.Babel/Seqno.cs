namespace Mesh.Babel;

/// <summary>A sequence number modulo 2^16 (RFC 8966 section 3.2.1).</summary>
/// <remarks>Two numbers exactly 32768 apart are unordered: neither is newer.</remarks>
/// <param name="Value">0..65535.</param>
public readonly record struct Seqno(ushort Value)
{
    /// <summary>The number after this one; 0 follows 65535.</summary>
    public Seqno Next => new((ushort)(Value + 1));

    /// <summary>Whether this number comes after <paramref name="other"/>.</summary>
    public bool IsNewerThan(Seqno other) => (ushort)(Value - other.Value) is > 0 and < 0x8000;

    /// <summary>Signed distance from <paramref name="other"/> to this number, -32768..32767.</summary>
    public int DistanceFrom(Seqno other) => (short)(Value - other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString();
}
