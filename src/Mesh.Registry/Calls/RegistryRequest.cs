using System.Net;

namespace Mesh.Registry.Calls;

/// <summary>An HTTP request, as far as the registry looks at it. Real servers and simulated ones hand it to the <see cref="FrontDeskActor"/>.</summary>
/// <param name="Verb">The HTTP method; only GET is served.</param>
/// <param name="Target">Path and query exactly as sent, for they may be authenticated.</param>
/// <param name="Peer">The other end of the connection.</param>
public sealed record RegistryRequest(string Verb, string Target, IPAddress Peer)
{
    /// <summary>Value of the header that authenticates a node, or null.</summary>
    public string? Mac { get; init; }

    /// <summary>Value of the header by which a proxy says for whom it asks, or null.</summary>
    public string? ForwardedFor { get; init; }

    /// <summary>The path only: arguments can be tokens.</summary>
    public override string ToString() => $"{Verb} {(Target.IndexOf('?', StringComparison.Ordinal) is >= 0 and int mark ? Target[..mark] : Target)}";
}

/// <summary>The answer to a <see cref="RegistryRequest"/>.</summary>
/// <param name="Status">HTTP status code.</param>
/// <param name="Body">Empty with 204; a sentence with an error.</param>
public sealed record RegistryResponse(int Status, ReadOnlyMemory<byte> Body)
{
    /// <summary>What the body is: text, or octets.</summary>
    public bool IsText { get; init; }

    /// <summary>Value of the header that authenticates the answer to a node, or null.</summary>
    public string? Mac { get; init; }

    /// <summary>When to try again, whole seconds, or null.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

/// <summary>Does the registry work? Answered by the <see cref="FrontDeskActor"/> with a <see cref="Health"/>.</summary>
public sealed record GetHealth;

/// <summary>Whether the registry works.</summary>
/// <param name="IsUp">False once its memory cannot be written any more.</param>
/// <param name="Calls">Calls under way.</param>
public sealed record Health(bool IsUp, int Calls);
