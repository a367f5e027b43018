using System.Text;

namespace Mesh.Security.Sessions;

/// <summary>A node's side of the session with the registry. One request at a time.</summary>
/// <remarks>
/// <code>
/// none --Open--> ready --Sign--> waiting --Check--> ready
///                                waiting --Check fails, Forget--> none
/// </code>
/// The key advances when a request is signed: whatever becomes of the request, the registry may have seen it.
/// </remarks>
public sealed class RegistryClientSession
{
    private SessionKey? _next;
    private SessionKey? _answer;

    /// <summary>Whether a request can be signed; else a hello is needed first.</summary>
    public bool IsOpen => _next is not null;

    /// <summary>Begins with the key of an answer to hello.</summary>
    public void Open(SessionKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        _next = key;
        _answer = null;
    }

    /// <summary>The header of a request.</summary>
    /// <param name="target">Path and query exactly as sent, without the path prefix of a proxy.</param>
    /// <exception cref="InvalidOperationException">There is no key: say hello first.</exception>
    public string Sign(string target)
    {
        ArgumentNullException.ThrowIfNull(target);
        SessionKey key = _next ?? throw new InvalidOperationException("There is no session with the registry.");
        _answer = key.Ratchet();
        _next = _answer.Ratchet();
        return key.HeaderFor(Encoding.UTF8.GetBytes(target));
    }

    /// <summary>Checks a 200 or 204 answer of the request that was signed last. A wrong one ends the session.</summary>
    /// <param name="header">Value of the header, or null when there was none.</param>
    /// <param name="body">The body; empty with 204.</param>
    public bool Check(string? header, ReadOnlySpan<byte> body)
    {
        bool isRight = _answer?.Verify(header, body) == true;
        _answer = null;
        if (!isRight)
            Forget();
        return isRight;
    }

    /// <summary>Ends the session, as after an answer with another status.</summary>
    public void Forget() => _next = _answer = null;
}
