using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using Mesh.Node.Ports;
using Mesh.Protocol.PortMapping;

namespace Mesh.Platform.Linux.PortMapping;

/// <summary>Runs <c>upnpc</c> of miniupnpc (2.1 or later), once for each command. Its arguments go to it directly, through no shell.</summary>
[SupportedOSPlatform("linux")]
internal static class UpnpcTool
{
    private const string Description = "mesh";

    /// <summary>Runs it to its end, in the network namespace of the calling thread.</summary>
    /// <param name="program">A path, or a name that is looked for.</param>
    /// <param name="command">What it is to do.</param>
    /// <param name="patience">After so long it is killed.</param>
    /// <param name="stop">It is killed at once.</param>
    /// <exception cref="IOException">It cannot be run, takes too long or was stopped: a sentence.</exception>
    public static UpnpcOutput Run(string program, UpnpCommand command, TimeSpan patience, CancellationToken stop)
    {
        var start = new ProcessStartInfo(program, ArgumentsOf(command)) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment["LC_ALL"] = "C";
        try
        {
            using Process process = Process.Start(start)!;
            try
            {
                process.StandardInput.Close();
                Task<string> output = ReadAsync(process.StandardOutput), errors = ReadAsync(process.StandardError);
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
                limit.CancelAfter(patience);
                process.WaitForExitAsync(limit.Token).GetAwaiter().GetResult();   // this thread has nothing else to do
                // What it has started and left behind could hold the pipes open.
                Task.WhenAll(output, errors).WaitAsync(limit.Token).GetAwaiter().GetResult();
                return UpnpcOutput.Parse(output.Result);
            }
            catch (OperationCanceledException e)
            {
                throw new IOException(stop.IsCancellationRequested ? "this node is stopping" : string.Create(CultureInfo.InvariantCulture, $"{program} has not ended after {patience.TotalSeconds:0.#} s"), e);
            }
            finally
            {
                if (!process.HasExited)
                    process.Kill(entireProcessTree: true);
            }
        }
        catch (Win32Exception e)
        {
            throw new IOException($"{program} cannot be run: {e.Message}", e);
        }
    }

    /// <summary>How the tool is told.</summary>
    public static IReadOnlyList<string> ArgumentsOf(UpnpCommand command) => command switch
    {
        UpnpDiscover discover => ["-m", discover.Local.ToString(), "-s"],
        UpnpMap map =>
        [
            "-u", map.Description, "-e", Description, "-a", map.Local.ToString(), Number(map.InternalPort), Number(map.ExternalPort), NameOf(map.Protocol),
            Number((long)map.Lifetime.TotalSeconds),
        ],
        UpnpUnmap unmap => ["-u", unmap.Description, "-d", Number(unmap.ExternalPort), NameOf(unmap.Protocol)],
        _ => throw new UnreachableException($"{command} is no command"),
    };

    private static string NameOf(TransportProtocol protocol) => protocol == TransportProtocol.Tcp ? "TCP" : "UDP";

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    // To its end, so that it does not wait for us; what is too much is not kept.
    private static async Task<string> ReadAsync(StreamReader reader)
    {
        var text = new StringBuilder();
        char[] buffer = new char[4096];
        while (await reader.ReadAsync(buffer).ConfigureAwait(false) is var count and > 0)
            text.Append(buffer, 0, Math.Min(count, UpnpcOutput.MaxLength - text.Length));
        return text.ToString();
    }
}
