using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Mesh.Security.Sessions;

/// <summary>The registry's side of the session with one node.</summary>
/// <remarks>
/// <code>
/// none --hello--> [offered]              [in use] --hello--> [in use, offered]
/// [.., matching, ..] --request--> [matching, advanced by two steps]
/// </code>
/// At most two keys: the one in use and that of the last hello. A hello of a stranger, which anybody can send, therefore never
/// breaks a session in use; a request with either key makes it the only one. The key advances with the request even when
/// the method then fails, so a request can not be replayed.
/// </remarks>
public sealed class RegistrySession
{
    private Entry? _first;
    private Entry? _offered;

    /// <summary>Offers a key in the answer to a hello.</summary>
    /// <param name="key">Fresh.</param>
    /// <param name="protocol">Protocol number that the node says it speaks.</param>
    public void Offer(SessionKey key, int protocol)
    {
        ArgumentNullException.ThrowIfNull(key);
        var entry = new Entry(key, protocol);
        if (_first is null)
            _first = entry;
        else
            _offered = entry;
    }

    /// <summary>Checks a request.</summary>
    /// <param name="target">Path and query, exactly as received.</param>
    /// <param name="header">Value of the header, or null when there was none.</param>
    /// <param name="accepted">What the answer needs, when the request is from the node.</param>
    public bool TryAccept(string target, string? header, [NotNullWhen(true)] out AcceptedRequest? accepted)
    {
        ArgumentNullException.ThrowIfNull(target);
        accepted = null;
        byte[] message = Encoding.UTF8.GetBytes(target);
        Entry? matching = _first?.Key.Verify(header, message) == true ? _first
            : _offered?.Key.Verify(header, message) == true ? _offered : null;
        if (matching is null)
            return false;
        SessionKey answer = matching.Key.Ratchet();
        _first = matching with { Key = answer.Ratchet() };
        _offered = null;
        accepted = new AcceptedRequest(answer, matching.Protocol);
        return true;
    }

    private sealed record Entry(SessionKey Key, int Protocol);
}

/// <summary>A request that was found to be from the node it names.</summary>
/// <param name="AnswerKey">Authenticates the body of a 200 or 204 answer; an empty body too.</param>
/// <param name="Protocol">Protocol number that the node said in its hello.</param>
public sealed record AcceptedRequest(SessionKey AnswerKey, int Protocol);
