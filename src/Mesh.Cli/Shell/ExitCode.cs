namespace Mesh.Cli.Shell;

/// <summary>How a command ended, for scripts.</summary>
internal static class ExitCode
{
    /// <summary>What was asked for is done.</summary>
    public const int Ok = 0;

    /// <summary>It could not be done.</summary>
    public const int Failed = 1;

    /// <summary>It was not tried: the command line, a file or a configuration is wrong.</summary>
    public const int Usage = 2;
}
