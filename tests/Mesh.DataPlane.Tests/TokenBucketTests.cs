namespace Mesh.DataPlane.Tests;

public sealed class TokenBucketTests
{
    [Fact]
    public void A_burst_passes_and_then_the_rate()
    {
        var bucket = new TokenBucket(perSecond: 10, burst: 5);
        TimeSpan now = TimeSpan.FromHours(1);
        Assert.Equal(5, Enumerable.Range(0, 20).Count(_ => bucket.TryTake(now)));
        Assert.False(bucket.TryTake(now + TimeSpan.FromMilliseconds(99)));
        Assert.True(bucket.TryTake(now + TimeSpan.FromMilliseconds(100)));
        Assert.False(bucket.TryTake(now + TimeSpan.FromMilliseconds(100)));
    }

    [Fact]
    public void Whether_there_is_a_token_can_be_asked_without_taking_it()
    {
        var bucket = new TokenBucket(TimeSpan.FromMilliseconds(100), burst: 2);
        TimeSpan now = TimeSpan.FromHours(1);
        for (int i = 0; i < 400; i++)
        {
            now += TimeSpan.FromMilliseconds(7 * (i % 11));
            bool hasToken = bucket.HasToken(now);
            Assert.Equal(hasToken, bucket.HasToken(now));
            Assert.Equal(hasToken, bucket.TryTake(now));
        }

        while (bucket.TryTake(now))
            Assert.True(bucket.HasToken(now + TimeSpan.FromSeconds(1)));
        Assert.False(bucket.HasToken(now));
    }

    [Fact]
    public void A_long_quiet_time_saves_up_no_more_than_the_burst()
    {
        var bucket = new TokenBucket(perSecond: 10, burst: 5);
        bucket.TryTake(TimeSpan.Zero);
        Assert.Equal(5, Enumerable.Range(0, 20).Count(_ => bucket.TryTake(TimeSpan.FromDays(1))));
    }

    [Fact]
    public void A_time_that_runs_backwards_gives_nothing_away()
    {
        var bucket = new TokenBucket(perSecond: 10, burst: 1);
        Assert.True(bucket.TryTake(TimeSpan.FromSeconds(10)));
        Assert.False(bucket.TryTake(TimeSpan.FromSeconds(5)));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public void A_bucket_without_rate_or_room_is_refused(int perSecond, int burst) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new TokenBucket(perSecond, burst));
}
