using System.IO.Compression;

namespace Mesh.Protocol.Registry;

/// <summary>Compressed bodies in the zlib format (RFC 1950), read with a limit on what comes out.</summary>
internal static class ZlibBody
{
    private const int ChecksumLength = 4;

    public static byte[] Compress(ReadOnlySpan<byte> content)
    {
        using var output = new MemoryStream();
        using (var zlib = new ZLibStream(output, CompressionLevel.Optimal, leaveOpen: true))
            zlib.Write(content);
        return output.ToArray();
    }

    /// <summary>False when the input is not one complete zlib stream and nothing else, or gives more than <paramref name="maxLength"/> octets.</summary>
    public static bool TryExpand(ReadOnlySpan<byte> body, int maxLength, out byte[] content)
    {
        content = [];
        if (body.Length <= ChecksumLength)
            return false;
        using var output = new MemoryStream();
        try
        {
            using var zlib = new ZLibStream(new MemoryStream(body.ToArray(), writable: false), CompressionMode.Decompress);
            Span<byte> chunk = stackalloc byte[4096];
            // A small body can expand a thousand times, so it is read piece by piece and given up at the limit.
            for (int count = zlib.Read(chunk); count > 0; count = zlib.Read(chunk))
            {
                if (output.Length + count > maxLength)
                    return false;
                output.Write(chunk[..count]);
            }
        }
        // A stream that asks for a preset dictionary (RFC 1950 section 2.2) is told as the other one, and no registry sends one.
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            return false;
        }
        content = output.ToArray();
        // The stream of the framework takes a missing or wrong checksum for the end of the data, and ignores what follows.
        return Adler32(content) == System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(body[^ChecksumLength..]);
    }

    private static uint Adler32(ReadOnlySpan<byte> content)
    {
        const uint Modulus = 65521;
        uint low = 1, high = 0;
        foreach (byte octet in content)
        {
            low = (low + octet) % Modulus;
            high = (high + low) % Modulus;
        }
        return (high << 16) | low;
    }
}
