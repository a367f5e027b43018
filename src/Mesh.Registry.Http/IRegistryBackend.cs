using System.Text;
using Mesh.Actors;
using Mesh.Actors.RealTime;
using Mesh.Registry.Calls;

namespace Mesh.Registry.Http;

/// <summary>Who answers the requests that the server takes: this process's actors or, in a cluster, perhaps another process.</summary>
internal interface IRegistryBackend
{
    /// <summary>The registry's settings.</summary>
    RegistryOptions Options { get; }

    /// <summary>The actors that answer in this process, or null while there are none.</summary>
    RegistryActors? Actors { get; }

    /// <summary>Finds out where a request comes from.</summary>
    /// <param name="request">With the other end of the connection as its peer; then with the client behind a process of the cluster.</param>
    /// <param name="forwarding">The header of <see cref="Cluster.ForwardingSeal"/>, or null.</param>
    /// <returns>Null where it may be answered, otherwise the refusal.</returns>
    RegistryResponse? Admit(ref RegistryRequest request, string? forwarding);

    /// <summary>Answers a request.</summary>
    /// <param name="request">As admitted.</param>
    /// <param name="isForwarded">Another process has passed it on.</param>
    /// <exception cref="AskException">The actors do not answer.</exception>
    Task<RegistryResponse> AnswerAsync(RegistryRequest request, bool isForwarded);

    /// <summary>200 where requests are answered, by whomever, otherwise 503 and why.</summary>
    Task<RegistryResponse> HealthAsync();

    /// <summary>Adds its own metrics in Prometheus' text format.</summary>
    void WriteMetrics(StringBuilder text);
}

/// <summary>The actors of this process, which answer for as long as it runs.</summary>
internal sealed class LocalBackend(RegistryActors actors) : IRegistryBackend
{
    // A little more than a call may take, so that the call itself says what happened.
    private readonly TimeSpan _timeout = actors.Options.CallTimeout + TimeSpan.FromSeconds(5);

    public RegistryOptions Options => actors.Options;

    public RegistryActors? Actors => actors;

    // Without a cluster the header means nothing, as any other that is unknown.
    public RegistryResponse? Admit(ref RegistryRequest request, string? forwarding) => null;

    public Task<RegistryResponse> AnswerAsync(RegistryRequest request, bool isForwarded) => actors.Desk.Ask<RegistryResponse>(request, _timeout);

    public async Task<RegistryResponse> HealthAsync()
    {
        Health health = await actors.Desk.Ask<Health>(new GetHealth(), _timeout).ConfigureAwait(false);
        return Texts.Response(health.IsUp ? 200 : 503, health.IsUp ? "ok" : "the registry has stopped");
    }

    public void WriteMetrics(StringBuilder text)
    {
    }
}

/// <summary>Answers of one sentence.</summary>
internal static class Texts
{
    public static RegistryResponse Response(int status, string text, TimeSpan? retryAfter = null) =>
        new(status, Encoding.UTF8.GetBytes(text + "\n")) { IsText = true, RetryAfter = retryAfter };
}
