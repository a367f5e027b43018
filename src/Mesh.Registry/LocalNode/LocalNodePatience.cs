namespace Mesh.Registry.LocalNode;

/// <summary>How long is waited for others, so that a call still has time to say what came of it.</summary>
/// <param name="Answer">For one answer: 3 s, or a third of what the call may take where that is less.</param>
/// <param name="Retry">Until the same is asked again. The first message to a peer without session is lost by design: its node says hello instead.</param>
/// <param name="Collection">For the answers of all nodes together: two thirds of what the call may take.</param>
public readonly record struct LocalNodePatience(TimeSpan Answer, TimeSpan Retry, TimeSpan Collection)
{
    /// <summary>How often the same is asked at most.</summary>
    public const int MaxAttempts = 3;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(3);   // protocol reference 3.9

    /// <summary>The patience within a call.</summary>
    /// <param name="callTimeout">What the whole call may take, see <see cref="RegistryOptions.CallTimeout"/>.</param>
    public static LocalNodePatience Within(TimeSpan callTimeout)
    {
        TimeSpan answer = callTimeout / 3 < Longest ? callTimeout / 3 : Longest;
        return new LocalNodePatience(answer, answer / MaxAttempts, callTimeout * 2 / 3);
    }
}
