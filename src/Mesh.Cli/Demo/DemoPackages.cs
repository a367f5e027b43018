using System.Diagnostics;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Demo;

/// <summary>What the demo needs from the distribution.</summary>
internal static class DemoPackages
{
    /// <summary>Makes sure that <c>nft</c> is there, for the NAT routers.</summary>
    /// <exception cref="CommandFailedException">It is not and cannot be installed.</exception>
    public static async Task EnsureAsync(Action<string> say, CancellationToken cancellation)
    {
        if (IsThere("nft"))
            return;
        say("installing the Debian package nftables, for the NAT routers in the demo's own namespaces (it starts nothing)");
        foreach (string[] arguments in (string[][])[["install", "-y", "-q", "--no-install-recommends", "nftables"], ["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", "nftables"]])
        {
            if (IsThere("apt-get") && await RunAsync("apt-get", arguments, cancellation) && IsThere("nft"))
                return;
        }

        throw CommandFailedException.Failed("the demo needs nft for its NAT routers, and the package nftables could not be installed; install it by hand and try again");
    }

    private static bool IsThere(string program) =>
        ((string[])["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin"]).Any(directory => File.Exists(Path.Combine(directory, program)));

    private static async Task<bool> RunAsync(string program, string[] arguments, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment["DEBIAN_FRONTEND"] = "noninteractive";
        using Process process = Process.Start(start)!;
        Task output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(cancellation), process.StandardError.ReadToEndAsync(cancellation));
        await process.WaitForExitAsync(cancellation);
        await output;
        return process.ExitCode == 0;
    }
}
