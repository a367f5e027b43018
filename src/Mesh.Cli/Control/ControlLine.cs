using System.Text;

namespace Mesh.Cli.Control;

/// <summary>Lines of text over a stream, of bounded length.</summary>
internal static class ControlLine
{
    /// <summary>Reads one line; null where the other end has closed.</summary>
    /// <exception cref="IOException">The line is too long, or broke off.</exception>
    public static async Task<string?> ReadAsync(Stream stream, CancellationToken cancellation)
    {
        using var line = new MemoryStream();
        byte[] chunk = new byte[4096];
        while (true)
        {
            int length = await stream.ReadAsync(chunk, cancellation);
            if (length == 0)
                return line.Length == 0 ? null : throw new IOException("the connection broke off in the middle of a line");
            // One request is answered before the next one is sent, so nothing follows the end of the line.
            int end = Array.IndexOf(chunk, (byte)'\n', 0, length);
            line.Write(chunk, 0, end < 0 ? length : end);
            if (end >= 0)
                return Encoding.UTF8.GetString(line.GetBuffer(), 0, (int)line.Length);
            if (line.Length > ControlRequest.MaxLineLength)
                throw new IOException("a line is too long");
        }
    }

    /// <summary>Writes one line.</summary>
    public static async Task WriteAsync(Stream stream, string line, CancellationToken cancellation) =>
        await stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"), cancellation);
}
