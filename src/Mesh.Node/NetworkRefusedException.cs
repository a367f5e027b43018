namespace Mesh.Node;

/// <summary>This program cannot take part in the network any more: the message says why. Restarting does not help.</summary>
public sealed class NetworkRefusedException : Exception
{
    /// <summary>Without a reason; for the framework.</summary>
    public NetworkRefusedException()
    {
    }

    /// <summary>With a sentence for the operator.</summary>
    public NetworkRefusedException(string message)
        : base(message)
    {
    }

    /// <summary>With a sentence and a cause.</summary>
    public NetworkRefusedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
