using System.Net;
using Mesh.Cli.Control;
using Mesh.Cli.Shell;
using Mesh.Protocol.Registry;

namespace Mesh.Cli.Registry;

/// <summary>Ways to a registry that runs: its control socket on this machine, or its private methods over HTTP.</summary>
internal static class RunningRegistry
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    /// <summary>Connects to the registry of a directory.</summary>
    public static ControlClient Connect(string dir)
    {
        var checks = new Checks();
        checks.Directory("--dir", dir);
        checks.ThrowIfAny();
        string directory = Path.GetFullPath(dir);
        return ControlClient.Connect(Path.Combine(directory, RegistryHost.ControlName), "the registry", $"mesh registry run --dir {directory}");
    }

    /// <summary>Calls a private method. It is only answered to the addresses in registry.authorized-origins, by default the registry's own machine.</summary>
    /// <returns>True for 200, false for 204.</returns>
    public static async Task<bool> CallAsync(string url, RegistryCall call, CancellationToken cancellation)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Timeout };
        HttpResponseMessage response;
        try
        {
            response = await http.GetAsync(new Uri(url + call.Target), cancellation);
        }
        catch (HttpRequestException e)
        {
            throw CommandFailedException.Failed($"the registry at {url} cannot be reached: {e.InnerException?.Message ?? e.Message}; is it running?", e);
        }
        catch (TaskCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw CommandFailedException.Failed($"the registry at {url} did not answer within {Timeout.TotalSeconds:0} s", e);
        }
        using (response)
        {
            switch (response.StatusCode)
            {
                case HttpStatusCode.OK:
                    return true;
                case HttpStatusCode.NoContent:
                    return false;
                case HttpStatusCode.Forbidden:
                    throw CommandFailedException.Failed($"the registry at {url} does not take orders from this machine: call it from its own, or add this one to registry.authorized-origins");
                case HttpStatusCode.Conflict:
                    throw CommandFailedException.Failed("there is such a token already");
                default:
                    string text = (await response.Content.ReadAsStringAsync(cancellation)).Trim();
                    throw CommandFailedException.Failed($"the registry at {url} answered {call.Method} with status {(int)response.StatusCode}{(text.Length is > 0 and < 200 ? $": {text}" : "")}");
            }
        }
    }
}
