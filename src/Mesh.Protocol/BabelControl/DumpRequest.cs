namespace Mesh.Protocol.BabelControl;

/// <summary>What a dump shall tell.</summary>
[Flags]
public enum DumpParts
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Network interfaces.</summary>
    Interfaces = 1,

    /// <summary>Neighbours.</summary>
    Neighbours = 2,

    /// <summary>Routes that the daemon itself announces.</summary>
    ExportedRoutes = 4,

    /// <summary>Installed routes.</summary>
    Routes = 8,
}

/// <summary>Asks babeld what it knows. Answer: <see cref="DumpResponse"/>.</summary>
/// <remarks><code>flags u8</code></remarks>
public readonly record struct DumpRequest(DumpParts Parts)
{
    /// <summary>What re6st asks for.</summary>
    public static DumpRequest Usual => new(DumpParts.Interfaces | DumpParts.Neighbours | DumpParts.Routes);

    /// <summary>Reads a body; further octets and unknown flags are refused, for nobody sends them.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out DumpRequest request)
    {
        request = default;
        if (body.Length != 1 || body[0] > (byte)(DumpParts.Interfaces | DumpParts.Neighbours | DumpParts.ExportedRoutes | DumpParts.Routes))
            return false;
        request = new DumpRequest((DumpParts)body[0]);
        return true;
    }

    /// <summary>The packet.</summary>
    public byte[] Encode() => ControlPacket.Encode(ControlPacket.Dump, [(byte)Parts]);
}
