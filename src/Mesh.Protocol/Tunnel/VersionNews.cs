using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Mesh.Protocol.Registry;

namespace Mesh.Protocol.Tunnel;

/// <summary>The newest network version that the sender has heard of. It goes in the control stream because news must not depend on routes: a node that has missed new routing keys has none.</summary>
/// <remarks>Payload: the version as everywhere, see <see cref="NetworkVersion"/>. Sent when a tunnel comes up and when the version changes. Not answered.</remarks>
/// <param name="Version">The version; whether the authority signed it is for the receiver to check.</param>
public sealed record VersionNews(NetworkVersion Version)
{
    /// <summary>Kind of the frame.</summary>
    public const byte Kind = 10;

    /// <summary>Reads the payload of a frame; false where it is no version.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, [NotNullWhen(true)] out VersionNews? news)
    {
        news = NetworkVersion.TryParse(payload, out NetworkVersion? version) ? new VersionNews(version) : null;
        return news is not null;
    }

    /// <summary>Writes the whole frame.</summary>
    public void Encode(IBufferWriter<byte> output)
    {
        var writer = new FrameWriter(output, Kind, Version.Blob.Length);
        writer.Write(Version.Blob.AsSpan());
        writer.Complete();
    }
}
